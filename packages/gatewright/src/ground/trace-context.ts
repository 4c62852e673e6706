import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Where a request stands in a trace of others' (W3C Trace Context). Whoever sends a request can write what it likes
 * here: it is for finding things again, and decides nothing.
 */
export type TraceContext = {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** To be sent on as it is. */
  readonly traceparent: string
  /** What tracing systems keep beside it; absent where none came, or one that is too long or of another form. */
  readonly tracestate?: string
}

/** Of a newer version more may follow, behind a hyphen. */
const form = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-[\x21-\x2b\x2d-\x7e]*)?$/
const longest = 256
const zeros = /^0+$/

/** The `traceparent` that is passed on: of a newer version what version 00 knows of it. Flags are not touched. */
const parseParent = (text: string): Pick<TraceContext, 'traceId' | 'traceparent'> | undefined => {
  if (text.length > longest) return undefined
  const [, version, traceId = '', parentId = '', flags = '', more] = form.exec(text) ?? []
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (zeros.test(traceId) || zeros.test(parentId)) return undefined
  const known = version === '00' ? flags : `0${Number.parseInt(flags, 16) & 1}`
  return { traceId, traceparent: `00-${traceId}-${parentId}-${known}` }
}

const member =
  /^(?:[a-z][\da-z_*/-]{0,255}|[\da-z][\da-z_*/-]{0,240}@[a-z][\da-z_*/-]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
const [mostMembers, longestState] = [32, 512]

/** The list, or nothing of it: a part of it could be read as another one's. */
const parseState = (text: string | undefined): string | undefined => {
  if (text === undefined || text.length > longestState) return undefined
  const members = text
    .split(',')
    .map(each => each.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter(each => each !== '')
  const keys = new Set(members.map(each => each.slice(0, each.indexOf('='))))
  const isGood = members.length > 0 && members.length <= mostMembers && keys.size === members.length
  return isGood && members.every(each => member.test(each)) ? members.join(',') : undefined
}

/**
 * What `traceparent` and `tracestate` say, each as all lines of it joined by commas. Undefined for what is not whole
 * in its form, sent twice or longer than it can be: then it is as if nothing had come, and none is made up.
 */
export const parseTraceContext = (
  traceparent: string,
  tracestate: string | undefined,
): TraceContext | undefined => {
  const parent = parseParent(traceparent)
  if (parent === undefined) return undefined
  const state = parseState(tracestate)
  return Object.freeze({ ...parent, ...(state !== undefined && { tracestate: state }) })
}

const current = new AsyncLocalStorage<TraceContext>()

/** Runs what follows from a request within its trace. */
export const runInTrace = <T>(trace: TraceContext, run: () => T): T => current.run(trace, run)

/** That of the request which this follows from; undefined for one without, and for work of the process's own. */
export const currentTrace = (): TraceContext | undefined => current.getStore()
