import type { Release } from './plan.ts'

/** What the tests of its steps release. */
export const release: Release = {
  version: '1.2.3',
  isPreview: false,
  isLatest: true,
  distTag: 'latest',
  image: 'ghcr.io/example/gatewright',
  tags: ['1.2.3', '1.2', 'latest'].map(tag => `ghcr.io/example/gatewright:${tag}`),
  revision: 'a'.repeat(40),
  notes: '- this',
}
