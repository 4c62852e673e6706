import { fromBase64url } from '../ground/encoding.ts'

type Browsers = {
  readonly id: string
  readonly rawId: string
  readonly type: 'public-key'
}

/** What a browser answers to registration options (`PublicKeyCredential.toJSON()`). */
export type RegistrationResponse = Browsers & {
  readonly response: {
    readonly clientDataJSON: string
    readonly attestationObject: string
    readonly transports?: readonly string[] | undefined
  }
}

/** What a browser answers to request options. */
export type AssertionResponse = Browsers & {
  readonly response: {
    readonly clientDataJSON: string
    readonly authenticatorData: string
    readonly signature: string
    readonly userHandle?: string | null | undefined
  }
}

/** What the browser says of the page that asked; the signature covers it. */
export type ClientData = {
  readonly type?: unknown
  readonly challenge?: unknown
  readonly origin?: unknown
  readonly crossOrigin?: unknown
  readonly topOrigin?: unknown
}

/** Whoever sends it can write anything there: an object without members where it is none. */
export const readClientData = ({
  response,
}: {
  readonly response: { readonly clientDataJSON: string }
}): ClientData => {
  try {
    const read: unknown = JSON.parse(fromBase64url(response.clientDataJSON)?.toString() ?? '')
    return typeof read === 'object' && read !== null ? read : {}
  } catch {
    return {}
  }
}

/** The challenge that it answers, as it says; empty where it says none. */
export const challengeOf = (response: Parameters<typeof readClientData>[0]): string => {
  const { challenge } = readClientData(response)
  return typeof challenge === 'string' ? challenge : ''
}
