function call(req, res) {
  res.end({ error: { statuscode: 418, code: "TEAPOT", message: "not here" } });
}
