import type { MailTexts } from './en.ts'

export const zhCn: MailTexts = {
  greeting: '{username}，您好：',
  greetingOfNobody: '您好：',
  at: '时间：{at}',
  address: '来自地址：{address}',
  device: '设备：{device}',
  keys: '已失效的 API 密钥：{keys}',
  unusual: '发现的情况：{unusual}',
  patterns: {
    'success-after-failures': '多次密码错误之后登录成功',
    'one-password-many-users': '同一密码被用于尝试许多用户',
    'many-users-one-address': '同一地址尝试了许多用户',
    'administrator-from-new-network': '管理员从新的网络登录',
    'many-failures': '某个用户收到大量错误密码',
  },
  notMe:
    '如果是您本人操作，无需做任何事。如果不是您，请打开此链接：它会让所有设备退出登录，并让您设置新密码。',
  lifetime: '此链接只能使用一次，有效期为 {time}。',
  hours: '{count} 小时',
  days: '{count} 天',
  oneHour: '1 小时',
  footer: '此邮件由 {app} 发送，起因是 {url} 上发生的操作。',
  factors: { totp: '验证器应用', passkey: '通行密钥', recovery_code: '恢复代码' },
  letters: {
    'verify-email': {
      subject: '请确认您的邮箱地址',
      lines: ['有人在 {app} 填写了这个邮箱地址。如果是您本人，请确认。'],
      link: '打开此链接以确认该地址。如果您对此并不知情，请勿理会：该地址不会被使用。',
    },
    'address-taken': {
      subject: '有人填写了您的邮箱地址',
      lines: [
        '有人在 {app} 填写了这个邮箱地址。它已经是您账户的地址，因此没有任何改变，对方也没有得到任何提示。',
        '如果是您本人：您已经有账户了。请用此地址登录，或申请设置新密码。',
      ],
    },
    'reset-password': {
      subject: '设置新密码',
      lines: ['有人为您在 {app} 的账户申请了设置新密码。'],
      link: '如果是您本人，请打开此链接设置新密码。如果不是，请勿理会：您的密码保持不变。',
    },
    invitation: {
      subject: '邀请您加入 {app}',
      lines: ['{inviter} 邀请您加入 {app}。'],
      linesOfNobody: ['您受邀加入 {app}。'],
      link: '打开此链接以设置用户名和密码。',
    },
    'account-created': {
      subject: '您在 {app} 的账户',
      lines: ['已为您在 {app} 创建账户。您的用户名是 {username}。'],
      link: '打开此链接以设置密码。密码只由您设置，其他人都看不到。',
    },
    'email-changed': {
      subject: '您的邮箱地址已更改',
      lines: ['您在 {app} 的账户邮箱已更改为 {email}。今后的邮件将发送到那里。'],
      link: '如果是您本人操作，无需做任何事。如果不是您，请打开此链接：它会恢复此地址，让所有设备退出登录，并让您设置新密码。即使地址再次被更改，它仍然有效。',
    },
    'email-change-undone': {
      subject: '您的邮箱地址已恢复',
      lines: [
        '此地址重新成为您在 {app} 的账户邮箱。所有设备均已退出登录，更改之后添加的第二重验证已被移除。',
      ],
    },
    denied: {
      subject: '您账户的一切登录均已终止',
      lines: [
        '有人打开了 {app} 邮件中的链接，并表示“不是我”。所有设备均已退出登录，持有您的 API 密钥的程序从现在起会被拒绝。',
      ],
    },
    'new-device': {
      subject: '新设备登录',
      lines: ['有人在一台未知的设备上登录了您在 {app} 的账户。'],
    },
    'password-changed': {
      subject: '您的密码已更改',
      lines: ['您在 {app} 的账户密码已更改。您的其他设备已退出登录。'],
    },
    'password-reset': {
      subject: '您的密码已重置',
      lines: ['有人通过邮件中的链接为您在 {app} 的账户设置了新密码。所有设备均已退出登录。'],
    },
    'password-change-forced': {
      subject: '请设置新密码',
      lines: ['{app} 的管理员请您设置新密码。旧密码已失效，所有设备均已退出登录。API 密钥仍然有效。'],
      link: '打开此链接以设置新密码。如果链接已过期，请在登录页面点“忘记密码”重新获取。',
    },
    'factor-added': {
      subject: '已添加第二重验证：{factor}',
      lines: ['您在 {app} 的账户添加了：{factor}。'],
    },
    'factor-removed': {
      subject: '已移除第二重验证：{factor}',
      lines: ['您在 {app} 的账户移除了：{factor}。您的其他设备已退出登录。'],
    },
    'factors-reset': {
      subject: '您的第二重验证已被移除',
      lines: ['管理员移除了您在 {app} 的账户的所有第二重验证。所有设备均已退出登录。'],
    },
    'factor-failed': {
      subject: '密码正确，但第二重验证失败',
      lines: ['有人输入了您在 {app} 的账户的正确密码，随后输入了错误的验证码。没有人登录成功。'],
    },
    'recovery-codes-renewed': {
      subject: '您有新的恢复代码',
      lines: ['您在 {app} 的账户生成了新的恢复代码。旧的恢复代码已失效。'],
    },
    'recovery-code-used': {
      subject: '恢复代码已被使用',
      lines: ['您在 {app} 的账户使用了一个恢复代码。剩余代码：{left}。'],
    },
    'api-key-created': {
      subject: '已创建新的 API 密钥',
      lines: [
        '您在 {app} 的账户创建了一个 API 密钥：“{key}”。持有它的程序可以在其允许的范围内以您的名义操作。',
      ],
    },
    'service-key-created': {
      subject: '您为一个服务创建了 API 密钥',
      lines: [
        '有人以您的名义为 {app} 的服务 {service} 创建了一个 API 密钥：“{key}”。持有它的程序可以在其允许的范围内以该服务的身份操作。',
      ],
      link: '如果这是您本人的操作，则无需处理。如果不是，请打开此链接：它会使此后以您的名义为服务创建的密钥和您自己的所有密钥失效，让所有设备退出登录，并让您设置新密码。',
    },
    'api-key-expiring': {
      subject: 'API 密钥即将到期',
      lines: [
        '{app} 的 API 密钥“{key}”将于 {until} 到期。此后使用它的程序会被拒绝。如果仍然需要，请轮换它并更换程序中的密钥。',
      ],
      link: '如果您知道这个密钥，无需打开链接。如果您从未见过它，请打开此链接：所有密钥会失效，所有设备会退出登录，并可设置新密码。',
    },
    'identity-linked': {
      subject: '您的账户已关联到另一个登录服务',
      lines: [
        '{app} 的管理员将您的账户与 {issuer} 的某个身份关联。从现在起，该身份在那里的访问令牌可以在这里以您的名义操作。',
      ],
      link: '如果那就是您，无需做任何事。如果不是，或者您对此并不知情，请打开此链接：它会取消该关联，让所有设备退出登录，并让您设置新密码。',
    },
    'identity-unlinked': {
      subject: '与另一个登录服务的关联已取消',
      lines: [
        '您在 {app} 的账户曾与 {issuer} 的某个身份关联。该关联已取消：该身份的访问令牌不能再以您的名义操作。',
      ],
    },
    'refresh-token-reused': {
      subject: '为安全起见，您的一台设备已退出登录',
      lines: [
        '您在 {app} 的某个会话的旧密钥被再次使用。为安全起见，该会话已结束。可能只是某个响应在途中丢失，也可能有人复制了密钥。',
      ],
    },
    'passkey-cloned': {
      subject: '通行密钥可能已被复制',
      lines: ['您在 {app} 的账户的一个通行密钥可能已被复制，因此被拒绝。请移除它并添加新的通行密钥。'],
    },
    'sign-in-held': {
      subject: '您的账户收到大量错误密码',
      lines: [
        '有人对您在 {app} 的账户输入了大量错误密码。未知设备上的登录已暂停；在您曾经登录过的设备上，一切照常。',
      ],
      link: '如需在新设备上登录，请先在该设备上打开此链接。如果不需要，无需做任何事。',
    },
    'many-failures': {
      subject: '您的账户收到大量错误密码',
      lines: [
        '一天之内，有人对您在 {app} 的账户输入了大量错误密码。没有一个密码通过。',
        '您无需做任何事。如果您在别处使用相同的密码，请在这里换用一个别处不用的密码；第二重验证或通行密钥可让猜测失去意义。',
      ],
    },
    'success-after-failures': {
      subject: '多次密码错误之后的登录',
      lines: ['有人对您在 {app} 的账户尝试了许多错误密码之后，在一台未知的设备上登录成功。'],
    },
    'administrator-from-new-network': {
      subject: '来自新网络的登录',
      lines: [
        '有人从一个最近三个月内未使用过的网络登录了您在 {app} 的账户。您的账户可以管理 {app}，因此其他管理员也会收到通知。',
      ],
    },
    'unusual-sign-ins': {
      subject: '{app} 的异常登录',
      lines: [
        '您是 {app} 的管理员。那里出现了看起来像是试图进入他人账户的登录。审计日志中以“unusual”开头的事件记录了每一次。',
      ],
    },
    'audit-checkpoint': {
      subject: '{app} 审计日志的检查点',
      lines: [
        '请保留这封邮件。其中有审计日志的一个已签名检查点，日后可以凭它辨别记录是否被改动：gatewright audit verify --anchor <含有下面这一行的文件>。',
        '{checkpoint}',
      ],
    },
  },
}
