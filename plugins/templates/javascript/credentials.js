// How to log in: with what a token service issues.
import { fail, option, refuse, request } from './api.js';

class Issuer {
  constructor(url) {
    this.url = url;
  }

  static open(config) {
    return new Issuer(option(config, 'tokens'));
  }

  // Asked again before `expiresAt`.
  async issue(registry) {
    const response = await request('POST', `${this.url}?registry=${registry}`);
    if (response.status !== 200) refuse(response);
    try {
      const token = await response.json();
      const at = token['expires-at'];
      if (token.username && token.password) {
        const expiresAt = at === undefined ? undefined : BigInt(at);
        return { username: token.username, password: token.password, expiresAt };
      }
    } catch {
      // Told below.
    }
    return fail('fatal', 'the token service gave no token');
  }
}

export const credentials = { Issuer };
