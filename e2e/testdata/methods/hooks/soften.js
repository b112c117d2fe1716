function failed(req, res) {
  if (req.body.args) {
    return res.end({ data: "softened: " + req.error.code });
  }
  res.end();
}
