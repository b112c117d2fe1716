// once(key, f) does f once for a key, also when the event is delivered again.
(function (use, native) {
  'use strict';

  async function once(key, f, options) {
    const started = await native.promise('once', 'once.begin', String(key), options || {});
    if (!started.first) return started.value;
    let value;
    try {
      value = await f();
    } catch (error) {
      await native.promise('once', 'once.fail', String(key));
      throw error;
    }
    await native.promise('once', 'once.done', String(key), value === undefined ? null : value);
    return value;
  }

  return {
    once: function (key, f, options, callback) {
      if (typeof options === 'function') [options, callback] = [undefined, options];
      if (typeof f !== 'function') throw new TypeError('once takes a key and a function');
      const done = once(key, f, options);
      if (typeof callback !== 'function') return done;
      done.then(
        (value) => native.call(callback, null, value),
        (error) => native.call(callback, error),
      );
    },
  };
});
