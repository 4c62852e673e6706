import type { PrincipalKind } from 'gatewright/principal'

/** Every blog route is also for API keys and OAuth clients, with the permission of its rule. */
export const everyKind: readonly PrincipalKind[] = ['user', 'api-key', 'client']
