function beforePOST(req, res) {
  throw new Error('nobody minds');
}
