/**
 * The floors of the engine, lowest first. A folder imports only from itself and from folders above
 * it in this list; `tools/floors.test.ts` holds the code to it and refuses cycles.
 */
export const floors = [
  'ground',
  'storage',
  'hooks',
  'audit',
  'processes',
  'idempotency',
  'limits',
  'keys',
  'permissions',
  'users',
  'codes',
  'mail',
  'passkeys',
  'factors',
  'tokens',
  'revocation',
  'sessions',
  'api-keys',
  'consequences',
  'sign-in',
  'administration',
  'upkeep',
  'gate',
  'compose.ts',
  'workers',
  'http',
  'cli',
  'testing',
] as const
