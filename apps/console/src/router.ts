import { useSyncExternalStore } from 'react'
import type { TextName } from './texts/en.ts'

/** What an address remembers beside its path: where to go on after signing in, and what to say there. */
export type Memory = { readonly from?: string; readonly notice?: TextName }

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

export const toAddress = (path: string): string => base + (path === '/' ? '' : path)

export const readMemory = (): Memory => (history.state as Memory | null) ?? {}

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
