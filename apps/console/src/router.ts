import { useSyncExternalStore } from 'react'
import type { OwnEnd } from './activity/own-story.ts'
import type { RangeName } from './administration/ranges.ts'
import type { UserSearch } from './api/administration-answers.ts'
import type { AuditSearch } from './api/audit-answers.ts'
import type { TextName } from './texts/en.ts'

/** What an address remembers beside its path. */
export type Memory = {
  /** Where to go on after signing in. */
  readonly from?: string
  /** What to say there. */
  readonly notice?: TextName
  /** Why somebody was signed out, who is led there. */
  readonly ended?: OwnEnd
  /** What was looked for. */
  readonly search?: UserSearch
  /** Which events were looked for. */
  readonly events?: AuditSearch
  /** Whom a question is about. */
  readonly about?: string
  /** How far back the dashboard looks. */
  readonly range?: RangeName
}

const base = '/console'
const moved = new EventTarget()

const subscribe = (listener: () => void): (() => void) => {
  addEventListener('popstate', listener)
  moved.addEventListener('moved', listener)
  return () => {
    removeEventListener('popstate', listener)
    moved.removeEventListener('moved', listener)
  }
}

/** `/console/me/devices` → `/me/devices` */
const readPath = (): string => location.pathname.slice(base.length).replace(/\/$/, '') || '/'

export const usePath = (): string => useSyncExternalStore(subscribe, readPath)

/** `/admin/users/7c9e` → `7c9e`: the thing that a view of one is about. */
export const useIdOfPath = (): string => decodeURIComponent(usePath().split('/').at(-1) ?? '')

export const toAddress = (path: string): string => base + (path === '/' ? '' : path)

export const readMemory = (): Memory => (history.state as Memory | null) ?? {}

/** For whoever comes back to this address. */
export const remember = (memory: Memory): void => history.replaceState({ ...readMemory(), ...memory }, '')

type Way = { readonly replace?: boolean; readonly memory?: Memory }

/** Goes to a view of the console; never to another host, whatever the path is. */
export const navigate = (path: string, { replace = false, memory = {} }: Way = {}): void => {
  const go = replace ? 'replaceState' : 'pushState'
  history[go](memory, '', toAddress(path))
  moved.dispatchEvent(new Event('moved'))
}

/** As {@link navigate}, and forgets everything that the page knows. */
export const leave = (path: string, memory: Memory): void => {
  history.replaceState(memory, '', toAddress(path))
  location.reload()
}
