// Makes what is missing of MongoDB: a replica set of one, the administrator, and the user of each MONGO_URI, who may do in
// its databases what docs/operations.md says, and nothing else. mongo.sh runs it on MongoDB's own host at every start.

const services = ["auth", "product", "inventory", "order", "payment"];
const actions = [
  "find", "insert", "update", "remove",
  "listCollections", "collMod", "listIndexes", "createIndex", "dropIndex",
];

const admin = db.getSiblingDB("admin");
if (!admin.hello().setName) {
  rs.initiate({ _id: "kassa", members: [{ _id: 0, host: "mongo:27017" }] });
}
while (!admin.hello().isWritablePrimary) {
  sleep(200);
}

const root = { user: "admin", pwd: process.env.MONGO_ADMIN_PASSWORD };
try {
  admin.auth(root.user, root.pwd);
} catch {
  // The first user may be made by whoever comes from this host (MongoDB's manual: localhost exception).
  admin.createUser({ ...root, roles: ["root"] });
  admin.auth(root.user, root.pwd);
}

function allow(uri, names) {
  const { username, password } = new URL(uri.replace(/^mongodb:/, "http:"));
  const [user, pwd] = [decodeURIComponent(username), decodeURIComponent(password)];
  const privileges = names.map((name) => ({ resource: { db: `${name}db`, collection: "" }, actions }));
  if (admin.getRole(user)) {
    admin.updateRole(user, { privileges, roles: [] });
  } else {
    admin.createRole({ role: user, privileges, roles: [] });
  }
  if (admin.getUser(user)) {
    admin.updateUser(user, { pwd, roles: [user] });
  } else {
    admin.createUser({ user, pwd, roles: [user] });
  }
}

for (const name of services) {
  allow(process.env[`MONGO_URI_${name.toUpperCase()}`], [name]);
}
allow(process.env.MONGO_URI, services);
