import { addService } from '../administration/added-service.ts'
import type { TestApp } from '../harness.ts'

const body = () => ({
  name: 'report',
  permissions: [],
  expires_at: '2030-01-01T00:00:00Z',
  allowed_addresses: ['192.0.2.0/24'],
})

const overlap = { body: () => ({ overlap: 60 }) }

/** Lines of the table of requests (test/route-matrix.ts). */
export const apiKeyRequests = {
  'POST /api/v1/api-keys': { body },
  'POST /api/v1/api-keys/:id/rotate': overlap,
  'POST /api/v1/admin/api-keys': {
    body: async ({ t }: { readonly t: TestApp }) => ({
      owner_id: (await addService(t.engine)).id,
      ...body(),
    }),
  },
  'POST /api/v1/admin/api-keys/:id/rotate': overlap,
}
