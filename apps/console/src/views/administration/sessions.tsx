import { Text } from '@mantine/core'
import { Changes, useChanges } from '../../administration/changes.tsx'
import { SessionRows } from '../../administration/session-rows.tsx'
import { useTexts } from '../../texts/use-texts.tsx'

/** Where everybody is signed in. */
export const Sessions = () => {
  const { text } = useTexts()
  const changes = useChanges()
  return (
    <>
      <Text c="dimmed">{text('sessionsIntro')}</Text>
      <Changes of={changes} />
      <SessionRows changes={changes} />
    </>
  )
}
