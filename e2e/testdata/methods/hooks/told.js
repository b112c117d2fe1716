async function after(req, res) {
  await db.post("/rest/cached", { user: req.body.args[0], result: req.result });
  res.end();
}
