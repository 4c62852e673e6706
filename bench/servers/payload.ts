/** What every server of a comparison answers, made into JSON anew for each request: 319 bytes. */
export const payload = {
  id: 1,
  title: 'Securing REST APIs with short-lived tokens',
  content:
    'Access tokens live for minutes, refresh tokens rotate on every use and every decision is written down.',
  author: { id: 42, username: 'alice', role: 'editor' },
  tags: ['security', 'jwt', 'rest'],
  created_at: '2026-11-20T00:00:00.000Z',
  published: true,
} as const

export const path = '/posts/1'
