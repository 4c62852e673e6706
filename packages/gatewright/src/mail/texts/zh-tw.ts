import type { MailTexts } from './en.ts'

export const zhTw: MailTexts = {
  greeting: '{username}，您好：',
  greetingOfNobody: '您好：',
  at: '時間：{at}',
  address: '來自位址：{address}',
  device: '裝置：{device}',
  keys: '已失效的 API 金鑰：{keys}',
  unusual: '發現的情況：{unusual}',
  patterns: {
    'success-after-failures': '多次密碼錯誤之後登入成功',
    'one-password-many-users': '同一密碼被用於嘗試許多使用者',
    'many-users-one-address': '同一位址嘗試了許多使用者',
    'administrator-from-new-network': '管理員從新的網路登入',
    'many-failures': '某個使用者收到大量錯誤密碼',
  },
  notMe: '如果是您本人操作，無需做任何事。如果不是您，請開啟此連結：它會將所有裝置登出，並讓您設定新密碼。',
  lifetime: '此連結只能使用一次，有效期為 {time}。',
  hours: '{count} 小時',
  days: '{count} 天',
  oneHour: '1 小時',
  footer: '此郵件由 {app} 寄出，起因是 {url} 上發生的操作。',
  factors: { totp: '驗證器應用程式', passkey: '通行密鑰', recovery_code: '復原代碼' },
  letters: {
    'verify-email': {
      subject: '請確認您的電子郵件地址',
      lines: ['有人在 {app} 填寫了這個電子郵件地址。如果是您本人，請確認。'],
      link: '開啟此連結以確認該地址。如果您對此並不知情，請勿理會：該地址不會被使用。',
    },
    'address-taken': {
      subject: '有人填寫了您的電子郵件地址',
      lines: [
        '有人在 {app} 填寫了這個電子郵件地址。它已經是您帳戶的地址，因此沒有任何改變，對方也沒有得到任何提示。',
        '如果是您本人：您已經有帳戶了。請用此地址登入，或申請設定新密碼。',
      ],
    },
    'reset-password': {
      subject: '設定新密碼',
      lines: ['有人為您在 {app} 的帳戶申請了設定新密碼。'],
      link: '如果是您本人，請開啟此連結設定新密碼。如果不是，請勿理會：您的密碼保持不變。',
    },
    invitation: {
      subject: '邀請您加入 {app}',
      lines: ['{inviter} 邀請您加入 {app}。'],
      linesOfNobody: ['您受邀加入 {app}。'],
      link: '開啟此連結以設定使用者名稱和密碼。',
    },
    'account-created': {
      subject: '您在 {app} 的帳戶',
      lines: ['已為您在 {app} 建立帳戶。您的使用者名稱是 {username}。'],
      link: '開啟此連結以設定密碼。密碼只由您設定，其他人都看不到。',
    },
    'email-changed': {
      subject: '您的電子郵件地址已變更',
      lines: ['您在 {app} 的帳戶電子郵件已變更為 {email}。今後的郵件將寄到那裡。'],
      link: '如果是您本人操作，無需做任何事。如果不是您，請開啟此連結：它會恢復此地址，將所有裝置登出，並讓您設定新密碼。即使地址再次被變更，它仍然有效。',
    },
    'email-change-undone': {
      subject: '您的電子郵件地址已恢復',
      lines: [
        '此地址重新成為您在 {app} 的帳戶電子郵件。所有裝置均已登出，變更之後新增的第二重驗證已被移除。',
      ],
    },
    denied: {
      subject: '您帳戶的一切登入均已終止',
      lines: [
        '有人開啟了 {app} 郵件中的連結，並表示「不是我」。所有裝置均已登出，持有您的 API 金鑰的程式從現在起會被拒絕。',
      ],
    },
    'new-device': {
      subject: '新裝置登入',
      lines: ['有人在一部未知的裝置上登入了您在 {app} 的帳戶。'],
    },
    'password-changed': {
      subject: '您的密碼已變更',
      lines: ['您在 {app} 的帳戶密碼已變更。您的其他裝置已登出。'],
    },
    'password-reset': {
      subject: '您的密碼已重設',
      lines: ['有人透過郵件中的連結為您在 {app} 的帳戶設定了新密碼。所有裝置均已登出。'],
    },
    'password-change-forced': {
      subject: '請設定新密碼',
      lines: ['{app} 的管理員請您設定新密碼。舊密碼已失效，所有裝置均已登出。API 金鑰仍然有效。'],
      link: '開啟此連結以設定新密碼。如果連結已過期，請在登入頁面點「忘記密碼」重新取得。',
    },
    'factor-added': {
      subject: '已新增第二重驗證：{factor}',
      lines: ['您在 {app} 的帳戶新增了：{factor}。'],
    },
    'factor-removed': {
      subject: '已移除第二重驗證：{factor}',
      lines: ['您在 {app} 的帳戶移除了：{factor}。您的其他裝置已登出。'],
    },
    'factors-reset': {
      subject: '您的第二重驗證已被移除',
      lines: ['管理員移除了您在 {app} 的帳戶的所有第二重驗證。所有裝置均已登出。'],
    },
    'factor-failed': {
      subject: '密碼正確，但第二重驗證失敗',
      lines: ['有人輸入了您在 {app} 的帳戶的正確密碼，隨後輸入了錯誤的驗證碼。沒有人登入成功。'],
    },
    'recovery-codes-renewed': {
      subject: '您有新的復原代碼',
      lines: ['您在 {app} 的帳戶產生了新的復原代碼。舊的復原代碼已失效。'],
    },
    'recovery-code-used': {
      subject: '復原代碼已被使用',
      lines: ['您在 {app} 的帳戶使用了一個復原代碼。剩餘代碼：{left}。'],
    },
    'api-key-created': {
      subject: '已建立新的 API 金鑰',
      lines: [
        '您在 {app} 的帳戶建立了一個 API 金鑰：「{key}」。持有它的程式可以在其允許的範圍內以您的名義操作。',
      ],
    },
    'service-key-created': {
      subject: '您為一個服務建立了 API 金鑰',
      lines: [
        '有人以您的名義為 {app} 的服務 {service} 建立了一個 API 金鑰：「{key}」。持有它的程式可以在其允許的範圍內以該服務的身分操作。',
      ],
      link: '如果這是您本人的操作，則無需處理。如果不是，請開啟此連結：它會使此後以您的名義為服務建立的金鑰和您自己的所有金鑰失效，讓所有裝置登出，並讓您設定新密碼。',
    },
    'api-key-expiring': {
      subject: 'API 金鑰即將到期',
      lines: [
        '{app} 的 API 金鑰「{key}」將於 {until} 到期。此後使用它的程式會被拒絕。如果仍然需要，請輪換它並更換程式中的金鑰。',
      ],
      link: '如果您知道這個金鑰，無需開啟連結。如果您從未見過它，請開啟此連結：所有金鑰會失效，所有裝置會登出，並可設定新密碼。',
    },
    'identity-linked': {
      subject: '您的帳戶已連結到另一個登入服務',
      lines: [
        '{app} 的管理員將您的帳戶與 {issuer} 的某個身分連結。從現在起，該身分在那裡的存取權杖可以在這裡以您的名義操作。',
      ],
      link: '如果那就是您，無需做任何事。如果不是，或者您對此並不知情，請開啟此連結：它會取消該連結，讓所有裝置登出，並讓您設定新密碼。',
    },
    'identity-unlinked': {
      subject: '與另一個登入服務的連結已取消',
      lines: [
        '您在 {app} 的帳戶曾與 {issuer} 的某個身分連結。該連結已取消：該身分的存取權杖不能再以您的名義操作。',
      ],
    },
    'refresh-token-reused': {
      subject: '為安全起見，您的一部裝置已登出',
      lines: [
        '您在 {app} 的某個工作階段的舊金鑰被再次使用。為安全起見，該工作階段已結束。可能只是某個回應在途中遺失，也可能有人複製了金鑰。',
      ],
    },
    'passkey-cloned': {
      subject: '通行密鑰可能已被複製',
      lines: ['您在 {app} 的帳戶的一個通行密鑰可能已被複製，因此被拒絕。請移除它並新增新的通行密鑰。'],
    },
    'sign-in-held': {
      subject: '您的帳戶收到大量錯誤密碼',
      lines: [
        '有人對您在 {app} 的帳戶輸入了大量錯誤密碼。未知裝置上的登入已暫停；在您曾經登入過的裝置上，一切照常。',
      ],
      link: '如需在新裝置上登入，請先在該裝置上開啟此連結。如果不需要，無需做任何事。',
    },
    'many-failures': {
      subject: '您的帳戶收到大量錯誤密碼',
      lines: [
        '一天之內，有人對您在 {app} 的帳戶輸入了大量錯誤密碼。沒有一個密碼通過。',
        '您無需做任何事。如果您在別處使用相同的密碼，請在這裡換用一個別處不用的密碼；第二重驗證或通行密鑰可讓猜測失去意義。',
      ],
    },
    'success-after-failures': {
      subject: '多次密碼錯誤之後的登入',
      lines: ['有人對您在 {app} 的帳戶嘗試了許多錯誤密碼之後，在一部未知的裝置上登入成功。'],
    },
    'administrator-from-new-network': {
      subject: '來自新網路的登入',
      lines: [
        '有人從一個最近三個月內未使用過的網路登入了您在 {app} 的帳戶。您的帳戶可以管理 {app}，因此其他管理員也會收到通知。',
      ],
    },
    'unusual-sign-ins': {
      subject: '{app} 的異常登入',
      lines: [
        '您是 {app} 的管理員。那裡出現了看起來像是試圖進入他人帳戶的登入。稽核日誌中以「unusual」開頭的事件記錄了每一次。',
      ],
    },
    'audit-checkpoint': {
      subject: '{app} 稽核記錄的檢查點',
      lines: [
        '請保留這封郵件。其中有稽核記錄的一個已簽章檢查點，日後可以憑它辨別記錄是否被更動：gatewright audit verify --anchor <含有下面這一行的檔案>。',
        '{checkpoint}',
      ],
    },
  },
}
