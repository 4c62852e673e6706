import { Text } from '@mantine/core'
import { Changes, useChanges } from '../../administration/changes.tsx'
import { OwnedKeyRows } from '../../keys/owned-key-rows.tsx'
import { useTexts } from '../../texts/use-texts.tsx'

/** API keys of everybody. */
export const AllApiKeys = () => {
  const { text } = useTexts()
  const changes = useChanges()
  return (
    <>
      <Text c="dimmed">{text('allKeysIntro')}</Text>
      <Changes of={changes} />
      <OwnedKeyRows changes={changes} />
    </>
  )
}
