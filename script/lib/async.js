// The control flow of caolan/async, versions 1 and 2, over callbacks, promises and async functions. Results that come at
// once are worked off in a loop and not by recursion, since calls may not nest deeply here.
(function (use, native) {
  'use strict';

  const isAsync = (f) => typeof f === 'function' && f[Symbol.toStringTag] === 'AsyncFunction';

  // guarded runs a function of the script from a promise, so that what it throws ends the run as from any callback.
  function guarded(f, ...args) {
    try {
      f(...args);
    } catch (e) {
      native.fail(e);
    }
  }

  // invoke calls f with the arguments and a callback. An async function gets no callback, its promise counts; so does the
  // promise of a function that takes no callback.
  function invoke(f, args, callback) {
    if (typeof f !== 'function') throw new TypeError('async: a task is not a function but ' + typeof f);
    let called = false;
    const once = (...results) => {
      if (called) throw new Error('Callback was already called.');
      called = true;
      callback(...results);
    };
    const result = isAsync(f) ? f(...args) : f(...args, once);
    if (isAsync(f) || (result instanceof Promise && f.length <= args.length)) {
      result.then(
        (value) => called || guarded(once, null, value),
        (error) => called || guarded(once, error || new Error(String(error))),
      );
    }
  }

  // entries lists what a collection holds as [value, key].
  function entries(collection) {
    if (collection === null || collection === undefined) return [];
    if (Array.isArray(collection)) return collection.map((value, i) => [value, i]);
    if (typeof collection !== 'string' && typeof collection[Symbol.iterator] === 'function') {
      return Array.from(collection, (value, i) => [value, i]);
    }
    return Object.keys(collection).map((key) => [collection[key], key]);
  }

  // each does work(value, key, callback) for all, at most limit at once, and stops at the first error.
  function each(list, limit, work, done) {
    let next = 0;
    let running = 0;
    let finished = false;
    let looping = false;
    if (!(limit > 0)) throw new RangeError('async: the limit must be above 0');
    function finish(error) {
      finished = true;
      done(error);
    }
    function step(error) {
      running--;
      if (finished) return;
      if (error) finish(error);
      else if (!looping) pump();
    }
    function pump() {
      looping = true;
      while (!finished && running < limit && next < list.length) {
        const [value, key] = list[next++];
        running++;
        work(value, key, step);
      }
      looping = false;
      if (!finished && running === 0 && next >= list.length) finish(null);
    }
    pump();
  }

  // offered makes a function whose callback, at that place, may be left out: then it returns a promise.
  function offered(place, f) {
    return function (...args) {
      const given = args[place];
      if (typeof given === 'function') return void f(...args.slice(0, place), given);
      while (args.length < place) args.push(undefined);
      return new Promise((resolve, reject) => {
        f(...args.slice(0, place), (error, value) => (error ? reject(error) : resolve(value)));
      });
    };
  }

  // family makes name, nameSeries and nameLimit of f(list, limit, iteratee, done).
  const all = {};
  function family(name, f, aliases) {
    const made = {
      [name]: offered(2, (c, iteratee, done) => f(entries(c), Infinity, iteratee, done)),
      [name + 'Series']: offered(2, (c, iteratee, done) => f(entries(c), 1, iteratee, done)),
      [name + 'Limit']: offered(3, (c, limit, iteratee, done) => f(entries(c), limit, iteratee, done)),
    };
    Object.assign(all, made);
    for (const alias of aliases || []) {
      for (const key of Object.keys(made)) all[alias + key.slice(name.length)] = made[key];
    }
  }

  family('each', (list, limit, f, done) => {
    each(list, limit, (value, key, next) => invoke(f, [value], (error) => next(error)), (error) => done(error));
  }, ['forEach']);
  family('eachOf', (list, limit, f, done) => {
    each(list, limit, (value, key, next) => invoke(f, [value, key], (error) => next(error)), (error) => done(error));
  }, ['forEachOf']);
  family('map', (list, limit, f, done) => {
    const results = new Array(list.length);
    const indexed = list.map(([value], i) => [value, i]);
    each(indexed, limit, (value, i, next) => invoke(f, [value], (error, result) => {
      results[i] = result;
      next(error);
    }), (error) => done(error, results));
  });
  family('mapValues', (list, limit, f, done) => {
    const results = {};
    each(list, limit, (value, key, next) => invoke(f, [value, key], (error, result) => {
      results[key] = result;
      next(error);
    }), (error) => done(error, results));
  });
  family('concat', (list, limit, f, done) => {
    const results = new Array(list.length);
    each(list.map(([value], i) => [value, i]), limit, (value, i, next) => invoke(f, [value], (error, ...found) => {
      results[i] = found;
      next(error);
    }), (error) => done(error, [].concat(...results.filter(Boolean).map((found) => [].concat(...found)))));
  });

  // test asks a truth test, whose callback takes (error, truth), or the truth alone as in version 1.
  function test(f, value, next, old) {
    invoke(f, [value], (...answer) => {
      if (answer.length === 1 && typeof answer[0] === 'boolean') {
        old.style = true;
        next(null, answer[0]);
      } else {
        next(answer[0], Boolean(answer[1]));
      }
    });
  }

  // conclude hands over the result of truth tests; in the style of version 1 there is no error before it.
  const conclude = (done, old, result) => (old.style && done.length === 1 ? done(result) : done(null, result));

  function filter(keep) {
    return (list, limit, f, done) => {
      const old = {};
      const kept = new Array(list.length);
      each(list.map(([value], i) => [value, i]), limit, (value, i, next) => test(f, value, (error, truth) => {
        kept[i] = truth === keep;
        next(error);
      }, old), (error) => {
        if (error) done(error);
        else conclude(done, old, list.filter((entry, i) => kept[i]).map((entry) => entry[0]));
      });
    };
  }
  family('filter', filter(true), ['select']);
  family('reject', filter(false));

  // search ends at the first value whose truth is wanted.
  function search(wanted, found, otherwise) {
    return (list, limit, f, done) => {
      const old = {};
      const stop = {};
      let result = otherwise;
      each(list, limit, (value, key, next) => test(f, value, (error, truth) => {
        if (!error && truth === wanted) {
          result = found(value);
          next(stop);
        } else {
          next(error);
        }
      }, old), (error) => {
        if (error && error !== stop) done(error);
        else conclude(done, old, result);
      });
    };
  }
  family('detect', search(true, (value) => value, undefined), ['find']);
  family('some', search(true, () => true, false), ['any']);
  family('every', search(false, () => false, true), ['all']);

  // collect runs tasks of an array or object and gathers their results in the same shape.
  function collect(tasks, limit, done) {
    const results = Array.isArray(tasks) ? [] : {};
    each(entries(tasks), limit, (task, key, next) => invoke(task, [], (error, ...values) => {
      results[key] = values.length > 1 ? values : values[0];
      next(error);
    }), (error) => done(error, results));
  }
  all.series = offered(1, (tasks, done) => collect(tasks, 1, done));
  all.parallel = offered(1, (tasks, done) => collect(tasks, Infinity, done));
  all.parallelLimit = offered(2, collect);

  all.waterfall = offered(1, (tasks, done) => {
    if (!Array.isArray(tasks)) return done(new Error('First argument to waterfall must be an array of functions'));
    let passed = [];
    each(entries(tasks), 1, (task, i, next) => invoke(task, passed, (error, ...values) => {
      passed = values;
      next(error);
    }), (error) => (error ? done(error, ...passed) : done(null, ...passed)));
  });

  function reduce(list, memo, f, done) {
    each(list, 1, (value, key, next) => invoke(f, [memo, value], (error, result) => {
      memo = result;
      next(error);
    }), (error) => done(error, memo));
  }
  all.reduce = offered(3, (c, memo, f, done) => reduce(entries(c), memo, f, done));
  all.reduceRight = offered(3, (c, memo, f, done) => reduce(entries(c).reverse(), memo, f, done));
  all.inject = all.foldl = all.reduce;
  all.foldr = all.reduceRight;

  all.sortBy = offered(2, (c, f, done) => {
    const keyed = [];
    each(entries(c), Infinity, (value, key, next) => invoke(f, [value], (error, by) => {
      keyed.push({ value, by });
      next(error);
    }), (error) => {
      if (error) return done(error);
      keyed.sort((a, b) => (a.by < b.by ? -1 : a.by > b.by ? 1 : 0));
      done(null, keyed.map((entry) => entry.value));
    });
  });

  const numbers = (n) => Array.from({ length: n }, (_, i) => i);
  all.times = offered(2, (n, f, done) => all.map(numbers(n), f, done));
  all.timesSeries = offered(2, (n, f, done) => all.mapSeries(numbers(n), f, done));
  all.timesLimit = offered(3, (n, limit, f, done) => all.mapLimit(numbers(n), limit, f, done));

  // ask calls the test of a loop: without parameters, or with a value that it returns, it is synchronous.
  function ask(f, args, next) {
    if (isAsync(f)) return invoke(f, args, next);
    if (f.length === 0) return next(null, f());
    let answered = false;
    const result = f(...args, (error, truth) => {
      answered = true;
      next(error, truth);
    });
    if (result !== undefined && !answered) next(null, result);
  }

  // loop does f while the test gives wanted; with first, f comes before the test.
  function loop(f, testing, wanted, first, done) {
    let results = [];
    let busy = false;
    let again = false;
    let skip = first;
    function turn() { // a loop instead of recursion as long as everything answers at once
      again = true;
      if (busy) return;
      busy = true;
      while (again) {
        again = false;
        if (skip) work();
        else ask(testing, first ? results : [], (error, truth) => {
          if (error) done(error);
          else if (Boolean(truth) === wanted) work();
          else done(null, ...results);
        });
      }
      busy = false;
    }
    function work() {
      skip = false;
      invoke(f, [], (error, ...values) => {
        if (error) return done(error);
        results = values;
        turn();
      });
    }
    turn();
  }
  all.whilst = offered(2, (testing, f, done) => loop(f, testing, true, false, done));
  all.until = offered(2, (testing, f, done) => loop(f, testing, false, false, done));
  all.doWhilst = offered(2, (f, testing, done) => loop(f, testing, true, true, done));
  all.doUntil = offered(2, (f, testing, done) => loop(f, testing, false, true, done));
  all.forever = offered(1, (f, done) => loop(f, () => true, true, false, done));

  all.apply = (f, ...args) => (...more) => f(...args, ...more);
  all.constant = (...values) => (...args) => args[args.length - 1](null, ...values);
  all.asyncify = all.wrapSync = (f) => (...args) => {
    const callback = args.pop();
    let result;
    try {
      result = f(...args);
    } catch (e) {
      return callback(e);
    }
    if (!result || typeof result.then !== 'function') return callback(null, result);
    result.then((value) => guarded(callback, null, value), (error) => guarded(callback, error));
  };
  all.reflect = (f) => (...args) => {
    const callback = args.pop();
    invoke(f, args, (error, ...values) => {
      callback(null, error ? { error } : { value: values.length > 1 ? values : values[0] });
    });
  };
  all.reflectAll = (tasks) => {
    const reflected = Array.isArray(tasks) ? [] : {};
    for (const [task, key] of entries(tasks)) reflected[key] = all.reflect(task);
    return reflected;
  };
  all.seq = (...functions) => (...args) => {
    const callback = args.pop();
    all.waterfall([(next) => next(null, ...args), ...functions], callback);
  };
  all.compose = (...functions) => all.seq(...functions.reverse());
  all.race = offered(1, (tasks, done) => {
    let over = false;
    tasks.forEach((task) => invoke(task, [], (...result) => {
      if (over) return;
      over = true;
      done(...result);
    }));
  });
  all.retry = offered(2, (options, task, done) => {
    const { times = 5, interval = 0 } = typeof options === 'object' ? options : { times: options };
    let tries = 0;
    const attempt = () => invoke(task, [], (error, ...values) => {
      if (!error || ++tries >= times) return done(error, ...values);
      native.timeout(attempt, typeof interval === 'function' ? interval(tries + 1) : interval);
    });
    attempt();
  });
  all.timeout = (f, limit) => (...args) => {
    const callback = args.pop();
    let over = false;
    const timer = native.timeout(() => {
      over = true;
      const error = new Error('Callback function "' + (f.name || 'anonymous') + '" timed out.');
      error.code = 'ETIMEDOUT';
      callback(error);
    }, limit);
    invoke(f, args, (...result) => {
      if (over) return;
      native.clear(timer);
      callback(...result);
    });
  };
  all.setImmediate = all.nextTick = (f, ...args) => void native.immediate(f, ...args);

  // auto runs each task once those that it names before itself are done.
  function auto(tasks, limit, done) {
    const waiting = new Map();
    const results = {};
    for (const name of Object.keys(tasks)) {
      const task = [].concat(tasks[name]);
      const needs = task.slice(0, -1);
      const missing = needs.find((need) => !(need in tasks));
      if (missing !== undefined) {
        throw new Error('async.auto task `' + name + '` has a non-existent dependency `' + missing + '` in ' + needs.join(', '));
      }
      waiting.set(name, { needs, f: task[task.length - 1] });
    }
    let running = 0;
    let over = false;
    let looping = false;
    let changed = true;
    const finish = (error) => {
      over = true;
      done(error, results);
    };
    const begin = (name, { needs, f }) => {
      running++;
      waiting.delete(name);
      invoke(f, needs.length ? [results] : [], (error, ...values) => {
        running--;
        if (over) return;
        results[name] = values.length > 1 ? values : values[0];
        changed = true;
        if (error) finish(error);
        else pump();
      });
    };
    function pump() {
      if (looping) return;
      looping = true;
      while (changed && !over) {
        changed = false;
        for (const [name, task] of [...waiting]) {
          if (!over && running < limit && task.needs.every((need) => need in results)) begin(name, task);
        }
      }
      looping = false;
      if (over || running > 0) return;
      if (waiting.size > 0) throw new Error('async.auto cannot execute tasks due to a recursive dependency');
      finish(null);
    }
    pump();
  }
  all.auto = function (tasks, limit, done) {
    if (typeof limit === 'function') [limit, done] = [done, limit]; // version 2 has the limit in the middle
    return offered(2, auto)(tasks, limit || Infinity, done);
  };

  all.queue = function (worker, concurrency) {
    const waiting = [];
    const handlers = {};
    let running = 0;
    let scheduled = false;
    const q = {
      concurrency: concurrency === undefined ? 1 : concurrency,
      paused: false,
      started: false,
      length: () => waiting.length,
      running: () => running,
      idle: () => waiting.length + running === 0,
      push: (data, callback) => add('push', data, callback),
      unshift: (data, callback) => add('unshift', data, callback),
      remove(matches) {
        for (let i = waiting.length - 1; i >= 0; i--) {
          if (matches(waiting[i])) waiting.splice(i, 1);
        }
      },
      pause() { q.paused = true; },
      resume() {
        q.paused = false;
        schedule();
      },
      kill() {
        waiting.length = 0;
        handlers.drain = undefined;
      },
    };
    for (const event of ['drain', 'empty', 'saturated', 'unsaturated', 'error']) {
      Object.defineProperty(q, event, { // q.drain = f as in version 2, q.drain(f) as in version 3
        get: () => (f) => { handlers[event] = f; },
        set: (f) => { handlers[event] = f; },
        enumerable: true,
      });
    }
    const tell = (event, ...args) => handlers[event] && handlers[event](...args);
    function schedule() {
      if (scheduled) return;
      scheduled = true;
      native.immediate(() => {
        scheduled = false;
        work();
      });
    }
    function add(how, data, callback) {
      q.started = true;
      const list = [].concat(data).map((item) => ({ data: item, callback }));
      waiting[how](...list);
      schedule();
    }
    let looping = false;
    function work() {
      if (looping) return;
      looping = true;
      while (!q.paused && running < q.concurrency && waiting.length > 0) {
        const task = waiting.shift();
        if (waiting.length === 0) tell('empty');
        running++;
        if (running === q.concurrency) tell('saturated');
        invoke(worker, [task.data], (...result) => {
          running--;
          if (typeof task.callback === 'function') task.callback(...result);
          if (result[0]) tell('error', result[0], task.data);
          if (running === q.concurrency - 1) tell('unsaturated');
          work();
        });
      }
      looping = false;
      if (waiting.length === 0 && running === 0) tell('drain');
    }
    return q;
  };

  return { async: all };
});
