// Reacts to the collection waited from the stream.

function afterPOST(req, res) {
  log.info('told', req.result.waited === undefined);
  res.end();
}
