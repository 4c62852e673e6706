import type { OwnEnd } from './activity/own-story.ts'
import type { Current } from './api/answers.ts'
import { type Memory, readMemory } from './router.ts'
import { homeOf, isWithReview, reviewPath, type View } from './views.tsx'

type Situation = {
  readonly path: string
  readonly view: View
  /** Undefined while it is not known. */
  readonly current: Current | null | undefined
  /** Somebody was signed in when this view was opened. */
  readonly wasSignedIn: boolean
  /** What the server said of the end of that session. */
  readonly ended?: OwnEnd | undefined
}

/** Where somebody belongs who may not be here; undefined for who may. */
export const findElsewhere = ({
  path,
  view,
  current,
  wasSignedIn,
  ended,
}: Situation): { readonly path: string; readonly memory: Memory } | undefined => {
  if (view.audience === 'user' && current === null)
    return {
      path: '/sign-in',
      memory: { from: path, ...(ended ? { ended } : wasSignedIn && { notice: 'sessionOver' }) },
    }
  // After a new password: what outlived it is looked at before anything else.
  if (view.audience === 'user' && current?.user.review_due && !isWithReview(path))
    return { path: reviewPath, memory: { from: path } }
  if (view.audience === 'stranger' && current)
    return { path: readMemory().from ?? homeOf(current.user.permissions), memory: {} }
  return undefined
}
