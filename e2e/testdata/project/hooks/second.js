function beforePOST(req, res) {
  res.end({ data: Object.assign({}, req.body, { second: req.body.upper + '!' }) });
}
