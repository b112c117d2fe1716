function call(req, res) {
  const [a, b] = req.body.args;
  res.end({ sum: a + b, service: req.event.service, phase: req.event.phase });
}
