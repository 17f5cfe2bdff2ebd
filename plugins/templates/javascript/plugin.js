// The plugin `@NAME@` of image-transfer: who it is, and what it exports.
import schema from './schema.js';

@EXPORTS@

export const pluginInfo = {
  describe() {
    return {
      name: '@NAME@',
      version: '0.1.0',
      summary: '@SUMMARY@',
      configSchema: schema,
      hosts: [],
    };
  },
};
