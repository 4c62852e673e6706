import { day } from 'gatewright/clock'
import { generate } from 'selfsigned'

/** PEM texts. */
export type Issued = { readonly cert: string; readonly key: string }

type Times = {
  /** Milliseconds since 1970. Without it: since yesterday, for 90 days. */
  readonly from?: number
  readonly until?: number
}

const ec = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const

const make = async (
  name: string,
  { by, from = Date.now() - day, until = Date.now() + 90 * day }: Times & { readonly by?: Issued },
  extensions: NonNullable<NonNullable<Parameters<typeof generate>[1]>['extensions']>,
): Promise<Issued> => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    ...ec,
    ...(by && { ca: by }),
    notBeforeDate: new Date(from),
    notAfterDate: new Date(until),
    extensions,
  })
  return { cert, key }
}

/** An authority; where `by` is given, one below that. */
export const makeAuthority = (
  name: string,
  options: Times & { readonly by?: Issued } = {},
): Promise<Issued> =>
  make(name, options, [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  ])

/** The certificate of a server or of a caller of that name, by an authority; without one, by itself. */
export const issue = (
  name: string,
  { by, ...times }: Times & { readonly by?: Issued | undefined } = {},
): Promise<Issued> =>
  make(name, { ...times, ...(by && { by }) }, [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
  ])
