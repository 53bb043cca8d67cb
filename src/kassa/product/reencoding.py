"""Makes of whatever was sent the pictures that are shown: of what is seen nothing is lost, of what came along nothing
is kept. Imported where a picture is sent, and nowhere else: Pillow takes its time and memory."""

import io

from PIL import Image, ImageCms, ImageOps

from kassa.contracts.pictures import TALLEST, WIDTHS, PictureRefused, sizes_of

MOST_PIXELS = {"JPEG": 30_000_000, "MPO": 30_000_000, "PNG": 16_000_000, "WEBP": 16_000_000}
"""By what it is, looked at before anything is decoded: so none takes more than 300 MB of memory while it is made. A
JPEG is decoded at a smaller size at once; MPO is a JPEG of which a camera has put several into one file."""
_FORMATS = ("JPEG", "PNG", "WEBP")
_TOO_MANY = "it has too many pixels: send at most 30 million as JPEG, 16 million as PNG or WebP"
_QUALITY, _EFFORT = 80, 4
_ORIENTATION = 0x0112
_ON_ITS_SIDE = (5, 6, 7, 8)
"""CIPA DC-008 (Exif), 4.6.5: the orientations in which width and height are exchanged."""


def reencoded(content: bytes, digest: str) -> dict[str, bytes]:
    """The picture in WebP by its addresses, the largest last. PictureRefused: its type is told from what is in it."""
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height > MOST_PIXELS[image.format or ""]:
                raise PictureRefused(_TOO_MANY)
            largest = _shrunk(image)
    except PictureRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureRefused(_TOO_MANY) from error
    except Exception as error:  # Whatever a broken file makes a decoder raise.
        raise PictureRefused("send a picture that is whole, as JPEG, PNG or WebP") from error
    found = sizes_of(digest, *largest.size)
    return {each.address: _webp(largest.resize((each.width, each.height), Image.Resampling.LANCZOS)) for each in found}


def _shrunk(image: Image.Image) -> Image.Image:
    """The largest size of it: upright, with the colours of the web, and no word of where it was taken."""
    orientation = image.getexif().get(_ORIENTATION, 1)
    box = (TALLEST, WIDTHS[-1]) if orientation in _ON_ITS_SIDE else (WIDTHS[-1], TALLEST)
    image.draft("RGB", (2 * box[0], 2 * box[1]))  # A JPEG is decoded at about the size that is needed.
    plain = _in_srgb(image)
    scale = min(1.0, box[0] / plain.width, box[1] / plain.height)
    size = (max(1, round(plain.width * scale)), max(1, round(plain.height * scale)))
    small = plain.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    small.getexif()[_ORIENTATION] = orientation
    upright = ImageOps.exif_transpose(small)
    upright.info = {}
    return upright


def _in_srgb(image: Image.Image) -> Image.Image:
    """What browsers take for granted of a picture without a colour profile."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode.startswith("I"):  # 16 bits of grey, of which the upper eight are seen.
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L").convert(mode)
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "RGBA", "CMYK"):
        try:
            known = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = mode if image.mode != "CMYK" else "RGB"
            converted = ImageCms.profileToProfile(image, known, ImageCms.createProfile("sRGB"), outputMode=target)
        except (ImageCms.PyCMSError, OSError):
            pass  # A profile that nobody can read is one that nobody has seen the picture in.
        else:
            return converted or image
    return image.convert(mode)


def _webp(image: Image.Image) -> bytes:
    made = io.BytesIO()
    image.save(made, "WEBP", quality=_QUALITY, method=_EFFORT)
    return made.getvalue()
