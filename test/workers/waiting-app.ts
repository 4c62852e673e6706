import cluster from 'node:cluster'
import { on } from 'node:events'
import { writeFileSync } from 'node:fs'
import { serve } from 'gatewright/server'

/** A program whose second worker goes on with its start when it was told to open its log again, and says that it waits. */
export const waitingApp = import.meta.filename

const untilTold = async (): Promise<void> => {
  const messages = on(process, 'message')
  writeFileSync('waits', '')
  for await (const [message] of messages) if (message.order === 'reopen-log') return
}

const plugin = async (): Promise<void> => {
  if (cluster.worker?.id === 2) await untilTold()
}

if (import.meta.main) await serve({ mount: '/auth', application: { plugin } })
