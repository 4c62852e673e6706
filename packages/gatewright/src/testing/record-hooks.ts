import type { AnyHookEvent, HookHandler, HookName } from '../hooks/events.ts'
import type { HookRunner } from '../hooks/runner.ts'

type AnyHandler = HookHandler<HookName>

/** The same runner with the same handlers, and a list that grows by each event that one of them has done well. */
export const recordHooks = (
  runner: HookRunner,
): { readonly hooks: HookRunner; readonly delivered: readonly AnyHookEvent[] } => {
  const delivered: AnyHookEvent[] = []
  const record =
    (handle: AnyHandler): AnyHandler =>
    async (event, context) => {
      await handle(event, context)
      delivered.push(event as AnyHookEvent)
    }
  const start: HookRunner['start'] = (hooks, log) => {
    const handlers = Object.entries(hooks) as [HookName, AnyHandler][]
    return runner.start(Object.fromEntries(handlers.map(([name, handle]) => [name, record(handle)])), log)
  }
  return { hooks: { ...runner, start }, delivered }
}
