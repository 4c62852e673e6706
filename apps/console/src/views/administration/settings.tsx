import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useApi } from '../../api/use-api.ts'
import { Loaded } from '../../forms/loaded.tsx'
import { Notice } from '../../forms/notice.tsx'
import { Row, Rows } from '../../frame/rows.tsx'
import { useTexts } from '../../texts/use-texts.tsx'

/** What this server runs with, and where each value comes from; the server hides secrets. */
export const SettingsInForce = () => {
  const { text } = useTexts()
  const { admin } = useApi()
  const settings = useQuery({ queryKey: ['settings'], queryFn: admin.findSettings })
  return (
    <>
      <Text c="dimmed">{text('settingsIntro')}</Text>
      <Loaded query={settings}>
        {({ settings: found, production_rules: reasons }) => (
          <>
            {reasons.length > 0 && (
              <Notice>
                {text('settingsProduction')} <span lang="en">{reasons.join('; ')}</span>
              </Notice>
            )}
            <Rows label={text('settingsTitle')} items={found} none={text('noneOfThem')}>
              {({ name, value, source }) => (
                <Row
                  key={name}
                  title={<code>{name}</code>}
                  lines={[value || '–', text('settingSource', { source })]}
                />
              )}
            </Rows>
          </>
        )}
      </Loaded>
    </>
  )
}
