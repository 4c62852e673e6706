/** Lines of the table of requests (test/route-matrix.ts). */
export const apiKeyRequests = {
  'POST /api/v1/api-keys': {
    body: () => ({
      name: 'report',
      permissions: [],
      expires_at: '2030-01-01T00:00:00Z',
      allowed_addresses: ['192.0.2.0/24'],
    }),
  },
  'POST /api/v1/api-keys/:id/rotate': { body: () => ({ overlap: 60 }) },
} as const
