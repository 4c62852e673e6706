import { WaitingPermissions } from '../factors/waiting-permissions.tsx'
import { Warning } from '../forms/notice.tsx'
import { useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** A view that this session may not see; where a second factor would open it, that is said. */
export const Forbidden = () => {
  const { text } = useTexts()
  const { withheld_permissions: waiting } = useUser()
  return waiting.length > 0 ? <WaitingPermissions /> : <Warning>{text('errorForbidden')}</Warning>
}
