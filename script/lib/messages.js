// Mail and Slack. A callback that takes two parameters gets (error, result), one that takes fewer gets the result, which
// is the Error if it failed.
(function (use, native) {
  'use strict';

  function send(label, host, options, callback) {
    if (options === null || typeof options !== 'object') throw new TypeError(label + ' takes an object with options');
    if (typeof callback !== 'function') return native.promise(label, host, options);
    native.host(label, host, [options], (error, result) => {
      if (callback.length >= 2) {
        if (error) callback(error);
        else callback(null, result);
        return;
      }
      if (error) native.warn(error.message.startsWith(label) ? error.message : label + ': ' + error.message);
      callback(error || result);
    });
  }

  // message is a mail as it crosses to the host: what is attached, as base64.
  function message(mail) {
    if (mail === null || typeof mail !== 'object' || !Array.isArray(mail.attachments)) return mail;
    const { Buffer } = use('buffer');
    return Object.assign({}, mail, {
      attachments: mail.attachments.map((attachment) => {
        const { content } = attachment;
        if (!ArrayBuffer.isView(content) && !(content instanceof ArrayBuffer)) return attachment;
        return Object.assign({}, attachment, { content: Buffer.from(content).toString('base64'), encoding: 'base64' });
      }),
    });
  }

  return {
    slack: function slack(options, callback) { return send('slack', 'slack.send', options, callback); },
    sendMail: function sendMail(options, callback) {
      return send('sendMail', 'mail.send', Array.isArray(options) ? options.map(message) : message(options), callback);
    },
  };
});
