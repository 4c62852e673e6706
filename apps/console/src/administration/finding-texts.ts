import type { FindingKind } from '../api/review-answers.ts'
import type { TextName } from '../texts/en.ts'

/** What a kind of finding is called, and why it is worth a look. */
export const findingTexts: Readonly<Record<FindingKind, readonly [title: TextName, hint: TextName]>> = {
  'administrator-without-factor': [
    'finding administrator-without-factor',
    'hint administrator-without-factor',
  ],
  'disabled-with-roles': ['finding disabled-with-roles', 'hint disabled-with-roles'],
  'unused-role': ['finding unused-role', 'hint unused-role'],
  'unbounded-key': ['finding unbounded-key', 'hint unbounded-key'],
  'unused-key': ['finding unused-key', 'hint unused-key'],
  'lasting-key': ['finding lasting-key', 'hint lasting-key'],
  'silent-service': ['finding silent-service', 'hint silent-service'],
  'ownerless-service': ['finding ownerless-service', 'hint ownerless-service'],
  'lasting-session': ['finding lasting-session', 'hint lasting-session'],
  'open-invitation': ['finding open-invitation', 'hint open-invitation'],
  'partly-used-role': ['finding partly-used-role', 'hint partly-used-role'],
  'partly-used-key': ['finding partly-used-key', 'hint partly-used-key'],
  'unused-permission': ['finding unused-permission', 'hint unused-permission'],
  'unheld-role': ['finding unheld-role', 'hint unheld-role'],
}
