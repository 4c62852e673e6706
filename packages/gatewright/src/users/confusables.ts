/**
 * Per script: which of its letters a hasty reader takes for which Latin ones. Own table, in the manner of
 * Unicode UTS #39 §4 (confusables.txt), but wider: one case stands for both unless the other looks like
 * something else. A name has letters of one script only, so a script is here if whole names can be faked
 * with it. Letters with accents need no entry: accents are taken off first.
 */
export const confusables = {
  Latin: {
    ...{ a: 'ɑɐᴀⱥꬰ', ae: 'æ', b: 'ƀƃɓʙᴃƅꞵ', c: 'ȼƈɕᴄꞓ', d: 'đɖɗƌᴅðȡꝺ', e: 'ɇɛəɘᴇɜǝꬲ', f: 'ƒꜰꞙꬵᵮ' },
    ...{ g: 'ɡɠɢǥᶃƍ', h: 'ħɦʜɧⱨ', i: 'ıɨɪɩᵻᵼ', j: 'ɉʝᴊȷ', k: 'ƙĸᴋⱪꝁ', l: 'łƚɫɬɭʟⱡǀꝉᴌ', ll: 'ǁ', m: 'ɱᴍᵯɯ' },
    ...{ n: 'ɲŋƞɳɴᵰȵ', o: 'øɵᴏᴑꬽꬾꝋ', oe: 'œ', p: 'ƥᴘᵽþꝑƿ', q: 'ʠɋꝗ', r: 'ɍɼɽʀɾɹᵲꭇꭈ', s: 'ʂꜱƽᵴȿ', ss: 'ß' },
    ...{ t: 'ŧƭʈᴛⱦƫᵵ', u: 'ʉʊᴜꞟꭎꭒ', v: 'ʋᴠʌⱴ', w: 'ⱳᴡꝡ', x: 'ꭓ', y: 'ƴɏʏɣᶌỿꭚ', z: 'ƶȥᴢʐᵶɀⱬ' },
  },
  Cyrillic: {
    ...{ a: 'а', ae: 'ӕ', b: 'вьѣҍ', c: 'сҫ', d: 'ԁ', e: 'еєҽҿз', g: 'ԍ', h: 'һнңћҥ', i: 'іꙇ', j: 'ј' },
    ...{ k: 'кқҝҟҡ', l: 'ӏ', m: 'мӎ', n: 'плԥ', o: 'оөѳ', p: 'рҏ', q: 'ԛ', r: 'гғя', s: 'ѕ', t: 'тҭ' },
    ...{ u: 'циџ', v: 'ѵ', w: 'ѡԝшщ', x: 'хҳӽ', y: 'уүұч' },
  },
  Greek: {
    ...{ a: 'αΛ', b: 'β', c: 'ς', d: 'δ', e: 'εΣ', f: 'ϝ', h: 'Η', i: 'ι', j: 'ϳ', k: 'κ', m: 'ΜϺ' },
    ...{ n: 'ηΝπ', o: 'οσθΩ', p: 'ρ', r: 'Γ', t: 'τ', u: 'υμ', v: 'ν', w: 'ω', x: 'χ', y: 'γΥ', z: 'ζ' },
  },
  Armenian: {
    ...{ f: 'ք', g: 'ց', h: 'հի', j: 'յ', l: 'լ', n: 'ոռ', o: 'օ', q: 'գզ', s: 'Տ', t: 'ե', u: 'ս', w: 'ա' },
  },
  Cherokee: {
    ...{ a: 'ᎪᏎ', b: 'ᏏᏴ', c: 'Ꮯ', d: 'ᎠᏧ', e: 'Ꭼ', g: 'ᏀᏳ', h: 'ᎻᏂᏲ', i: 'Ꭵ', j: 'Ꭻ', k: 'Ꮶ' },
    ...{ l: 'Ꮮ', m: 'Ꮇ', n: 'Ꮑ', o: 'ᎣᎤᎾᏫ', p: 'Ꮲ', r: 'ᎡᎱᏒ', s: 'ᏕᏚ', t: 'Ꭲ', u: 'Ꮜ', v: 'Ꮩ' },
    ...{ w: 'ᎳᏔ', y: 'ᎩᎽ', z: 'Ꮓ' },
  },
  Lisu: {
    ...{ a: 'ꓮ', b: 'ꓐ', c: 'ꓚ', d: 'ꓒꓓ', e: 'ꓰ', f: 'ꓝ', g: 'ꓖ', h: 'ꓧ', i: 'ꓲ', j: 'ꓙ', k: 'ꓗ' },
    ...{ l: 'ꓡ', m: 'ꓟ', n: 'ꓠ', o: 'ꓳ', p: 'ꓑ', r: 'ꓣ', s: 'ꓢ', t: 'ꓔ', u: 'ꓴ', v: 'ꓦ', w: 'ꓪ' },
    ...{ x: 'ꓫ', y: 'ꓬ', z: 'ꓜ' },
  },
  Canadian_Aboriginal: {
    ...{ a: 'ᗅᗩᐱ', b: 'ᗷᑲᖯᑳ', c: 'ᑕ', d: 'ᗪᗞᑯ', e: 'ᗴᕮ', f: 'ᖴ', h: 'ᕼ', i: 'ᓰ', j: 'ᒍ', l: 'ᒪ' },
    ...{ m: 'ᗰ', n: 'ᑎ', o: 'ᗝ', p: 'ᑭ', r: 'ᖇ', s: 'ᔕ', u: 'ᑌ', v: 'ᐯ', w: 'ᗯ', x: 'ᕁᕽ' },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>

const latinFor: ReadonlyMap<string, string> = new Map(
  Object.values(confusables).flatMap(letters =>
    Object.entries(letters).flatMap(([latin, alike]) => [...alike].map(letter => [letter, latin] as const)),
  ),
)

const toLatin = (letter: string): string =>
  latinFor.get(letter) ?? latinFor.get(letter.toLowerCase()) ?? latinFor.get(letter.toUpperCase()) ?? letter

/** Each row is applied to the result of the one before: what looks alike becomes the same. */
const folds: readonly (readonly [alike: RegExp, one: string])[] = [
  [/[\p{M}._-]/gu, ''],
  [/0/g, 'o'],
  [/[1i]/g, 'l'],
  [/3/g, 'e'],
  [/4/g, 'a'],
  [/5/g, 's'],
  [/7/g, 't'],
  [/8/g, 'b'],
  [/9/g, 'g'],
  [/rn|nn/g, 'm'],
  [/vv/g, 'w'],
  [/cl/g, 'd'],
]

/**
 * What is left of a name when everything that a hasty reader overlooks is taken away (Unicode UTS #39 §4):
 * two names with one skeleton look alike. It is for comparing only, never for showing or storing. Give it
 * the name as it is shown: a capital `I` passes for an `l`, its small letter does not.
 *
 *     skeleton('Аdmіn') === skeleton('adm1n')
 */
export const skeleton = (name: string): string => {
  const latin = name.normalize('NFKC').normalize('NFD').replace(/\p{L}/gu, toLatin).toLowerCase()
  return folds.reduce((text, [alike, one]) => text.replace(alike, one), latin)
}
