const texts = {
  en: {
    title: 'Make the first administrator',
    intro: 'This link works once. Choose a name and a long password.',
    username: 'Username',
    password: 'Password ({minimum} characters or more)',
    email: 'E-mail (optional)',
    submit: 'Make the administrator',
    done: 'Done. You can sign in now as {username}.',
    noLink: 'Open this page by the set-up link that the start has printed.',
    invalid_link: 'This link is not valid, was used before, or has expired.',
    offline: 'The server does not answer. Try again.',
  },
  'zh-Hans': {
    title: '创建第一位管理员',
    intro: '此链接只能使用一次。请选择用户名和较长的密码。',
    username: '用户名',
    password: '密码（至少 {minimum} 个字符）',
    email: '电子邮箱（可选）',
    submit: '创建管理员',
    done: '完成。现在可以用 {username} 登录。',
    noLink: '请使用启动时打印的设置链接打开此页面。',
    invalid_link: '此链接无效、已被使用或已过期。',
    offline: '服务器没有响应，请重试。',
  },
  'zh-Hant': {
    title: '建立第一位管理員',
    intro: '此連結只能使用一次。請選擇使用者名稱和較長的密碼。',
    username: '使用者名稱',
    password: '密碼（至少 {minimum} 個字元）',
    email: '電子郵件（選填）',
    submit: '建立管理員',
    done: '完成。現在可以用 {username} 登入。',
    noLink: '請使用啟動時印出的設定連結開啟此頁面。',
    invalid_link: '此連結無效、已被使用或已過期。',
    offline: '伺服器沒有回應，請重試。',
  },
}

const pickLanguage = () => {
  const wanted = navigator.language
  if (!wanted.startsWith('zh')) return 'en'
  return /hant|tw|hk|mo/i.test(wanted) ? 'zh-Hant' : 'zh-Hans'
}

const language = pickLanguage()
const text = texts[language]
document.documentElement.lang = language
document.title = `Gatewright: ${text.title}`
const form = document.getElementById('form')
for (const element of document.querySelectorAll('[data-text]'))
  element.textContent = text[element.dataset.text].replace('{minimum}', form.dataset.minimum)

// The token stands after #, so no server log has seen it. It leaves the address bar at once.
const token = decodeURIComponent(location.hash.slice(1))
history.replaceState(null, '', location.pathname)

const message = document.getElementById('message')
const say = (words, failed) => {
  message.textContent = words
  message.className = failed ? 'failed' : 'done'
}
if (token === '') {
  form.hidden = true
  say(text.noLink, true)
}

const describe = problem => {
  const fields = (problem.errors ?? []).map(error => `${error.path.slice(1)}: ${error.message}`).join('; ')
  return fields || text[problem.code] || problem.detail
}

form.querySelector('button').disabled = false
form.addEventListener('submit', async event => {
  event.preventDefault()
  const { username, password, email } = Object.fromEntries(new FormData(form))
  const body = JSON.stringify({ token, username, password, ...(email && { email }) })
  try {
    const answer = await fetch(form.dataset.action, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    const result = await answer.json()
    if (!answer.ok) return say(describe(result), true)
    form.hidden = true
    say(text.done.replace('{username}', result.username), false)
  } catch {
    say(text.offline, true)
  }
})
