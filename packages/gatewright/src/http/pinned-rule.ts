import type { FastifyContextConfig } from 'fastify'
import { freezeDeeply } from '../ground/freeze-deeply.ts'

const pinned = new WeakSet<FastifyContextConfig>()

/**
 * From now on the configuration says this rule and no other, whoever tries to change it: the gate reads it at
 * every request. Fastify copies what was declared, and gives the copy to nobody before the first request, so
 * both are pinned.
 */
export const pinRule = (config: FastifyContextConfig): void => {
  if (pinned.has(config)) return
  const rule = config.gate && freezeDeeply(config.gate)
  Object.defineProperty(config, 'gate', { value: rule, writable: false, configurable: false })
  pinned.add(config)
}
