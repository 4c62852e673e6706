import type { Rendered } from './render.ts'

/** A mail as it goes out. */
export type Message = Rendered & {
  /** The same in every attempt: whoever gets a mail twice can tell. */
  readonly messageId: string
  readonly from: string
  readonly to: string
  readonly raw: Buffer
}

/** Hands mail over. Resolves once whoever takes it has said so; rejects where it has not. */
export type Transport = {
  /** @param signal aborted when nobody waits any longer: the mail may then have been taken or not */
  readonly send: (message: Message, signal: AbortSignal) => Promise<void>
}

/** It would fail in the same way for ever. `code` says by what, without an address. */
export class PermanentFailure extends Error {
  readonly code: string
  constructor(code: string, options?: ErrorOptions) {
    super(`the mail can not be sent: ${code}`, options)
    this.code = code
  }
}
