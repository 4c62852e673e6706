import { accessReview } from './access-review.ts'
import { apiKeyCreate } from './api-key-create.ts'
import { apiKeyList } from './api-key-list.ts'
import { apiKeyRevoke } from './api-key-revoke.ts'
import { auditErase, auditEraseDeleted } from './audit-erase.ts'
import { auditExport } from './audit-export.ts'
import { auditList } from './audit-list.ts'
import { auditPrune } from './audit-prune.ts'
import { auditVerify } from './audit-verify.ts'
import { backup } from './backup.ts'
import type { Command } from './command.ts'
import { config } from './config.ts'
import { doctor } from './doctor.ts'
import { explain } from './explain.ts'
import { invitationList } from './invitation-list.ts'
import { invitationRevoke } from './invitation-revoke.ts'
import { issuerBlock, issuerUnblock } from './issuer-block.ts'
import { issuerLink, issuerUnlink } from './issuer-link.ts'
import { issuerList } from './issuer-list.ts'
import { keyList } from './key-list.ts'
import { keyRevoke } from './key-revoke.ts'
import { keyRotate } from './key-rotate.ts'
import { mailList, mailRetry } from './mail.ts'
import { migratePlan, migrateStatus, migrateUp } from './migrate.ts'
import { restore } from './restore.ts'
import { roleChange } from './role-change.ts'
import { roleCreate } from './role-create.ts'
import { roleDelete } from './role-delete.ts'
import { roleList } from './role-list.ts'
import { secretList } from './secret-list.ts'
import { secretRetire } from './secret-retire.ts'
import { serve } from './serve.ts'
import { serviceCreate } from './service-create.ts'
import { serviceDelete } from './service-delete.ts'
import { serviceList } from './service-list.ts'
import { serviceRole } from './service-role.ts'
import { serviceDisable, serviceEnable } from './service-state.ts'
import { sessionEnd } from './session-end.ts'
import { sessionEndAll } from './session-end-all.ts'
import { sessionList } from './session-list.ts'
import { setupLink } from './setup-link.ts'
import { smoke } from './smoke.ts'
import { userCreate } from './user-create.ts'
import { userEndSessions } from './user-end-sessions.ts'
import { userInvite } from './user-invite.ts'
import { userList } from './user-list.ts'
import { userResetFactors } from './user-reset-factors.ts'
import { userResetPassword } from './user-reset-password.ts'
import { userRole } from './user-role.ts'
import { userDisable, userEnable } from './user-state.ts'

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  serve,
  userCreate,
  userInvite,
  userList,
  userDisable,
  userEnable,
  userRole,
  userResetPassword,
  userResetFactors,
  userEndSessions,
  roleList,
  roleCreate,
  roleChange,
  roleDelete,
  invitationList,
  invitationRevoke,
  serviceCreate,
  serviceList,
  serviceRole,
  serviceDisable,
  serviceEnable,
  serviceDelete,
  apiKeyCreate,
  apiKeyList,
  apiKeyRevoke,
  sessionList,
  sessionEnd,
  sessionEndAll,
  keyList,
  keyRotate,
  keyRevoke,
  explain,
  accessReview,
  issuerList,
  issuerBlock,
  issuerUnblock,
  issuerLink,
  issuerUnlink,
  setupLink,
  secretList,
  secretRetire,
  mailList,
  mailRetry,
  auditList,
  auditVerify,
  auditPrune,
  auditExport,
  auditErase,
  auditEraseDeleted,
  migratePlan,
  migrateUp,
  migrateStatus,
  backup,
  restore,
  config,
  doctor,
  smoke,
]
