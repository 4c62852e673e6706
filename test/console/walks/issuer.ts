import { parseIssuers, plainEntry } from '../../issuers/scene.ts'

export const issuer = 'http://localhost:9/realms/main'

/** Another issuer, as the settings have one; nothing here asks it for anything. */
export const withIssuer = {
  trustedIssuers: parseIssuers([{ ...plainEntry({ issuer }), local_user: 'required' }]),
}
