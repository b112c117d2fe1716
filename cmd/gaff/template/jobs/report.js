/**
 * runJob runs at each tick of the job's schedule. The text that it ends with is in the log: `gaff logs --job report`.
 * @type {gaff.Job}
 */
function runJob(req, res) {
  db.get('/rest/customer', {}, {}, function (err, customers) {
    if (err) throw err;
    res.end(customers.length + ' customers at ' + req.job.scheduledAt);
  });
}
