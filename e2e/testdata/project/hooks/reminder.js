function beforePOST(req, res) {
  var reminder = bridge.scheduleRunScriptMinutes('scripts/remind.ccjs', { who: req.body.who }, 0);
  var far = bridge.scheduleRunScriptUTC('scripts/remind.ccjs', { who: 'nobody' }, Date.now() + 3600000);
  var waiting = bridge.getScheduledCloudScripts(Date.now() + 7200000).data.scheduledJobs.filter(function (job) {
    return job.jobId === far.data.jobId;
  });
  res.end({ data: {
    who: req.body.who, status: reminder.status, waiting: waiting.length, state: waiting[0].runState,
    cancelled: bridge.cancelScheduledScript(far.data.jobId).data.cancelled,
    again: bridge.cancelScheduledScript(far.data.jobId).status,
    absent: bridge.sysCancelScheduledScriptIfExists(far.data.jobId).data.cancelled
  } });
}
