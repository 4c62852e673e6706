/** Says in `amr` that more than one factor was shown (RFC 8176). */
export const multiFactor = 'mfa'
