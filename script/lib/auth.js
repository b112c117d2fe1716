// JSON Web Tokens. The callback runs before the function returns.
(function (use, native) {
  'use strict';

  function answer(result, callback) {
    let error = null;
    if (result.error) {
      error = new Error(result.error.message);
      error.name = result.error.name;
      if (result.error.expiredAt) error.expiredAt = new Date(result.error.expiredAt);
    }
    if (typeof callback === 'function') {
      if (error) callback(error);
      else callback(null, result.payload);
      return undefined;
    }
    return error ? Promise.reject(error) : Promise.resolve(result.payload);
  }

  return {
    auth: {
      decode_jwt(token, callback) { return answer(native.decodeJWT(token), callback); },
      verify_jwt(token, secret, options, callback) {
        if (typeof options === 'function') [options, callback] = [undefined, options];
        const o = options || {};
        return answer(native.verifyJWT(token, secret, {
          algorithms: o.algorithms, audience: o.audience, issuer: o.issuer, subject: o.subject,
          clockTolerance: o.clockTolerance, ignoreExpiration: o.ignoreExpiration,
        }), callback);
      },
    },
  };
});
