import { setTimeout as delay } from 'node:timers/promises'
import { everyone } from 'gatewright/access'
import { type ServeOptions, serve } from 'gatewright/server'

/** A program whose mistakes nobody catches. */
export const failingApp = import.meta.filename

/** Stands in a field of each mistake: no line of the log may hold it. */
export const canary = 'canary-2b71'

const gate = { access: everyone(), limit: 'unlimited', audit: 'none' } as const

const fail = (): never => {
  throw Object.assign(new TypeError('a mistake outside of requests'), { detail: canary })
}

const mistakes: Readonly<Record<string, () => void>> = {
  exception: () => void setImmediate(fail),
  rejection: () => void Promise.resolve().then(fail),
  text: () => void Promise.reject(canary),
  endless: () => void setInterval(fail, 5),
}

const plugin: NonNullable<ServeOptions['application']>['plugin'] = async app => {
  for (const [name, make] of Object.entries(mistakes))
    app.get(`/${name}`, { config: { gate } }, async () => {
      make()
      await delay(300)
      return { made: name }
    })
}

if (import.meta.main) await serve({ mount: '/auth', application: { plugin } })
