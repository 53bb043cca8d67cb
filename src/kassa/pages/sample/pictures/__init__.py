"""What the sample catalogue's pictures show: for each category its ground and its drawings, by file name."""
