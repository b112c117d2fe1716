function before(req, res) {
  if (req.body.args[0] > 100) {
    return res.end({ error: { statuscode: 403, message: "too many" } });
  }
  if (req.body.args[0] === 0) {
    return res.end({ data: { keys: req.body.keys, args: [1] } });
  }
  res.end();
}
