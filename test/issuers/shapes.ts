/** What the access tokens of products look like: header and claims, as each writes them. */
export type Shape = {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** The ID token that the same sign-in gives. */
  readonly idToken: {
    readonly header: Readonly<Record<string, unknown>>
    readonly claims: Readonly<Record<string, unknown>>
  }
  /** How its key set lists a key. */
  readonly jwk: Readonly<Record<string, unknown>>
  readonly lifetime: number
  /** What the token may do by the example's mapping. */
  readonly permissions: readonly string[]
}

const entra = {
  oid: '1b2c3d4e-0000-4000-8000-1234567890ab',
  sub: 'pairwise-AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
  tid: '9f1e5a5c-0d2f-4a58-9c5a-2f5f6a1c7d11',
  uti: 'Ee0000000000000000000g',
  rh: '0.A',
}

/** By the heading of docs/trusted-issuers.md. */
export const shapes: Readonly<Record<string, Shape>> = {
  Auth0: {
    header: { alg: 'RS256', typ: 'at+jwt' },
    claims: {
      sub: 'auth0|6553da60a54af58e29493993',
      aud: ['https://api.example.org', 'https://example.eu.auth0.com/userinfo'],
      client_id: 'K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja',
      jti: '73WakrfVbNJBaAmhQtEeDv',
      scope: 'openid profile',
      permissions: ['read:users', 'write:posts', 'delete:everything'],
    },
    idToken: {
      header: { alg: 'RS256', typ: 'JWT' },
      claims: { sub: 'auth0|6553da60a54af58e29493993', aud: 'K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja', sid: 'x' },
    },
    jwk: { alg: 'RS256', x5c: ['MIIC'], x5t: 'x' },
    lifetime: 3_600,
    permissions: ['posts:write', 'users:read'],
  },
  Okta: {
    header: { alg: 'RS256' },
    claims: {
      ver: 1,
      jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
      aud: 'api://default',
      sub: 'alice@example.org',
      uid: '00uid4BxXw6I6TV4m0g3',
      cid: '0oabskvc6442nkvQO0h7',
      scp: ['openid', 'users.read'],
      auth_time: 1_700_000_000,
    },
    idToken: {
      header: { alg: 'RS256' },
      claims: {
        ver: 1,
        sub: '00uid4BxXw6I6TV4m0g3',
        aud: '0oabskvc6442nkvQO0h7',
        jti: 'ID.x',
        amr: ['pwd'],
        idp: '00o1',
        at_hash: 'preview_at_hash',
      },
    },
    jwk: { alg: 'RS256' },
    lifetime: 3_600,
    permissions: ['users:read'],
  },
  'Microsoft Entra': {
    header: { typ: 'JWT', alg: 'RS256' },
    claims: {
      ...entra,
      aud: '6b6ab4a2-11f5-4d0c-8a3f-7f4c9e0d2a55',
      nbf: 'iat',
      aio: 'AXQAi/8IAAAA',
      azp: '11111111-2222-4333-8444-555555555555',
      azpacr: '0',
      scp: 'Users.Read Other.Thing',
      ver: '2.0',
    },
    idToken: {
      header: { typ: 'JWT', alg: 'RS256' },
      claims: { ...entra, aud: '11111111-2222-4333-8444-555555555555', ver: '2.0', nbf: 'iat' },
    },
    jwk: { x5t: 'x', x5c: ['MIIC'] },
    lifetime: 5_399,
    permissions: ['users:read'],
  },
  'Microsoft Entra, version 1': {
    header: { typ: 'JWT', alg: 'RS256', x5t: 'nbCwW11w3XkB-xUaXwKRSLjMHGQ' },
    claims: {
      ...entra,
      aud: 'api://6b6ab4a2-11f5-4d0c-8a3f-7f4c9e0d2a55',
      nbf: 'iat',
      acr: '1',
      amr: ['pwd', 'mfa'],
      appid: '11111111-2222-4333-8444-555555555555',
      appidacr: '0',
      scp: 'Users.Read',
      ver: '1.0',
    },
    idToken: {
      header: { typ: 'JWT', alg: 'RS256', x5t: 'nbCwW11w3XkB-xUaXwKRSLjMHGQ' },
      claims: { ...entra, aud: '11111111-2222-4333-8444-555555555555', ver: '1.0', nbf: 'iat' },
    },
    jwk: { x5t: 'x' },
    lifetime: 4_500,
    permissions: ['users:read'],
  },
  Keycloak: {
    header: { alg: 'RS256', typ: 'JWT' },
    claims: {
      jti: 'onrtac:71f150d0-41f6-11e7-a49f-4943fdcbc832',
      aud: ['account', 'blog-api'],
      sub: '71f150d0-41f6-11e7-a49f-4943fdcbc832',
      typ: 'Bearer',
      azp: 'web',
      sid: '2cdaa7e4-7a24-4a2c-a8b9-f6bfa1f5bcd4',
      acr: '1',
      'allowed-origins': ['https://www.example.org'],
      realm_access: { roles: ['reader', 'offline_access', 'uma_authorization'] },
      resource_access: { account: { roles: ['manage-account'] } },
      scope: 'openid profile email',
      preferred_username: 'alice',
    },
    idToken: {
      header: { alg: 'RS256', typ: 'JWT' },
      claims: {
        aud: 'blog-api',
        sub: '71f150d0-41f6-11e7-a49f-4943fdcbc832',
        typ: 'ID',
        azp: 'web',
        realm_access: { roles: ['reader'] },
      },
    },
    jwk: { alg: 'RS256', x5c: ['MIIC'], 'x5t#S256': 'x' },
    lifetime: 300,
    permissions: ['users:read'],
  },
  'Amazon Cognito': {
    header: { alg: 'RS256' },
    claims: {
      sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      'cognito:groups': ['admin'],
      client_id: '7lhlkkfbfb4q5kpp90urffao',
      origin_jti: 'dddddddd-5555-6666-7777-000000000000',
      event_id: 'cccccccc-1111-2222-3333-444444444444',
      token_use: 'access',
      scope: 'openid blog/users.read',
      auth_time: 1_700_000_000,
      jti: 'aaaaaaaa-5555-4444-3333-000000000000',
      username: 'alice',
    },
    idToken: {
      header: { alg: 'RS256' },
      claims: {
        sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
        aud: '7lhlkkfbfb4q5kpp90urffao',
        token_use: 'id',
        'cognito:username': 'alice',
      },
    },
    jwk: { alg: 'RS256' },
    lifetime: 3_600,
    permissions: ['users:read'],
  },
}
