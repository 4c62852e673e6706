import type { Device } from '../api/answers.ts'
import type { useTexts } from '../texts/use-texts.tsx'

type Text = ReturnType<typeof useTexts>['text']

/** What a device is called. The API has the name in English. */
export const nameOfDevice = ({ program, system }: Pick<Device, 'program' | 'system'>, text: Text): string => {
  if (system === null) return program ?? text('unknownDevice')
  return program === null ? text('unknownProgramOn', { system }) : text('deviceOn', { program, system })
}
