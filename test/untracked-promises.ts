import asyncHooks from 'node:async_hooks'

/*
 * For `node --import`, before any test: node:test follows each promise from where it is made to where it is
 * collected, to know in whose name to report one that fails and that nobody waits for. That takes a tenth of
 * what tests compute. Not followed, such a promise still fails its file, and a test run with its file alone.
 */
const { createHook } = asyncHooks
Object.assign(asyncHooks, {
  createHook: (callbacks: asyncHooks.HookCallbacks) => createHook({ ...callbacks, trackPromises: false }),
})
