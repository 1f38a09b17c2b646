// Fixed contents. The wordings are the suite's, the bytes are the smallest valid ones.
const wav = Buffer.alloc(46); // one silent sample, 8 kHz, 16 bit, mono
wav.write('RIFF', 0);
wav.writeUInt32LE(38, 4);
wav.write('WAVEfmt ', 8);
wav.writeUInt32LE(16, 16);
wav.writeUInt16LE(1, 20);
wav.writeUInt16LE(1, 22);
wav.writeUInt32LE(8_000, 24);
wav.writeUInt32LE(16_000, 28);
wav.writeUInt16LE(2, 32);
wav.writeUInt16LE(16, 34);
wav.write('data', 36);
wav.writeUInt32LE(2, 40);

export const words = {
  simple: 'This is a simple text response for testing.',
  mixed: 'Multiple content types test:',
  resource: 'This is an embedded resource content.',
  failure: 'This tool intentionally returns an error for testing',
  prompt: 'This is a simple prompt for testing.',
  embedded: 'Embedded resource content for testing.',
  staticText: 'This is the content of the static text resource.',
  png: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==',
  wav: wav.toString('base64'),
};
