// Reads dce-json files with chat-analytics and prints what it counted, as JSON.
// node read.js FOLDER_OF_NODE_MODULES FILE...
const { createRequire } = require("node:module");

const [folder, ...files] = process.argv.slice(2);
const load = createRequire(`${folder}/`);
const { generateDatabase, generateReport } = load("chat-analytics");
const { loadFile, loadNodeAsset } = load("chat-analytics/dist/lib/NodeEnv.js");
const { Blocks } = load("chat-analytics/dist/pipeline/aggregate/Blocks.js");
const { computeCommonBlockData } = load("chat-analytics/dist/pipeline/aggregate/Common.js");
const { Filters } = load("chat-analytics/dist/pipeline/aggregate/Filters.js");

async function main() {
    const env = { loadAsset: loadNodeAsset };
    const database = await generateDatabase(files.map(loadFile), { platform: "discord", demo: false }, env);
    const filters = new Filters(database);
    filters.updateChannels(database.channels.map((_, index) => index));
    filters.updateAuthors(database.authors.map((_, index) => index));
    filters.updateStartDate(database.time.minDate);
    filters.updateEndDate(database.time.maxDate);
    const common = computeCommonBlockData(database);
    const count = (block) => Blocks[block].fn(database, filters, common, {});
    const messages = count("messages/stats");
    const interaction = count("interaction/stats");
    const emoji = count("emoji/stats");
    console.log(JSON.stringify({
        messages: messages.total,
        edited: messages.edited,
        byChannel: database.channels.map((channel, index) => [channel.name, messages.counts.channels[index]]),
        byAuthor: database.authors.map((author, index) => [author.n, messages.counts.authors[index]]),
        files: Object.values(messages.withAttachmentsCount).reduce((sum, one) => sum + one, 0),
        reactions: emoji.inReactions.regular + emoji.inReactions.custom,
        replies: interaction.authorsReplyCount.reduce((sum, one) => sum + one, 0),
        reportCharacters: (await generateReport(database, env)).html.length,
    }));
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
