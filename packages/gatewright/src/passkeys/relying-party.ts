import { isIP } from 'node:net'
import { Refusal } from '../ground/refusal.ts'

/** Whom passkeys are made for: a host name, and the one origin whose pages may ask for them. */
export type RelyingParty = { readonly id: string; readonly name: string; readonly origin: string }

type Server = { readonly publicUrl: string; readonly settings: { readonly appName: string } }

/** Whether the host of an address is a name: browsers make passkeys for names only. */
export const hasHostName = (publicUrl: string): boolean => {
  const { hostname } = new URL(publicUrl)
  return isIP(hostname.replace(/^\[|\]$/g, '')) === 0
}

/**
 * Made of PUBLIC_URL alone: nothing that a request says of its host takes part.
 * @throws Refusal `conflict` where PUBLIC_URL names an IP address
 */
export const relyingPartyOf = ({ publicUrl, settings }: Server): RelyingParty => {
  if (!hasHostName(publicUrl))
    throw new Refusal('conflict', {
      reason: 'passkeys_need_a_name',
      detail:
        'A passkey belongs to a host name, and this server is reached by an IP address. Whoever runs it sets PUBLIC_URL to a name, such as http://localhost:3000.',
    })
  const { hostname, origin } = new URL(publicUrl)
  return { id: hostname, name: settings.appName, origin }
}
