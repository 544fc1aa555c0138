"""The vocabulary: emoji with the words that ask for them, and the background colours.

The first name of each line is the one the contact sheet and the model card use. Words
are unique to one emoji; those a user would most likely mean got the plain noun.
"""

# Background colours (sRGB) with the words for each.
COLOURS: dict[str, tuple[int, int, int]] = {
    "white": (255, 255, 255),
    "black": (22, 22, 26),
    "red": (205, 45, 60),
    "orange": (255, 150, 50),
    "yellow": (255, 226, 90),
    "green": (95, 190, 95),
    "blue": (85, 155, 240),
    "purple": (155, 95, 210),
}
COLOUR_WORDS: dict[str, tuple[str, ...]] = {
    "white": ("white", "plain white"),
    "black": ("black", "dark black"),
    "red": ("red", "bright red"),
    "orange": ("orange", "bright orange"),
    "yellow": ("yellow", "bright yellow"),
    "green": ("green", "light green"),
    "blue": ("blue", "light blue"),
    "purple": ("purple", "violet"),
}

_TABLE = """
🐱 cat face, cat, kitten, kitty
🐶 dog face, dog, puppy, doggy
🐭 mouse face, mouse
🐰 rabbit face, rabbit, bunny, hare
🦊 fox, fox face
🐻 bear, bear face, brown bear, teddy bear
🐼 panda, panda face, panda bear
🐨 koala, koala bear
🐯 tiger face, tiger
🦁 lion, lion face
🐮 cow face, cow
🐷 pig face, pig, piglet
🐸 frog, frog face, green frog, toad
🐵 monkey face, monkey, ape
🐔 chicken, hen
🐧 penguin
🐦 bird, blue bird
🐤 baby chick, chick, yellow chick
🦆 duck
🦉 owl
🐺 wolf, wolf face
🐴 horse face, horse, pony
🦄 unicorn, unicorn face
🐝 bee, honeybee, bumblebee
🦋 butterfly, orange butterfly
🐌 snail
🐞 ladybug, lady beetle, ladybird, beetle
🐢 turtle, tortoise, terrapin
🐍 snake, serpent
🐙 octopus
🦀 crab, red crab
🐠 tropical fish, fish, yellow fish
🐬 dolphin
🐳 whale, spouting whale, blue whale
🦈 shark
🦓 zebra
🐘 elephant, grey elephant
🦒 giraffe
🐑 sheep, ewe, lamb
🐲 dragon face, dragon, green dragon
😀 grinning face, smiley, smile, happy face, smiling face
😂 face with tears of joy, laughing face, laugh
😍 smiling face with heart eyes, heart eyes, face in love
😎 smiling face with sunglasses, sunglasses, cool face
😭 crying face, loudly crying face, sad face
😡 angry face, enraged face, red angry face
😴 sleeping face, sleepy face, tired face
👻 ghost, white ghost, spook
👽 alien, extraterrestrial
🤖 robot, robot face
🤡 clown face, clown
💀 skull, death
🎃 pumpkin, jack o lantern, halloween pumpkin, orange pumpkin
💩 pile of poo, poop, poo
🍎 red apple, apple
🍌 banana, yellow banana
🍋 lemon, yellow lemon
🍉 watermelon
🍇 grapes, purple grapes
🍓 strawberry
🍒 cherries, cherry, red cherries
🍑 peach
🍍 pineapple, ananas
🥑 avocado
🍅 tomato, red tomato
🥕 carrot, orange carrot
🌽 ear of corn, corn, maize
🍄 mushroom, toadstool, red mushroom
🍞 bread, loaf of bread, toast
🍕 pizza, slice of pizza
🍔 hamburger, burger, cheeseburger
🍟 french fries, fries, chips
🌭 hot dog, hotdog, frankfurter, sausage
🍳 fried egg, egg, cooking
🍦 ice cream, soft ice cream, ice cream cone, icecream
🍩 doughnut, donut
🎂 birthday cake, cake
🍭 lollipop, candy
🍺 beer mug, beer
🌹 rose, red rose
🌻 sunflower
🌸 cherry blossom, blossom, pink flower
🌵 cactus, green cactus
🌴 palm tree, palm
🌳 tree, deciduous tree, green tree
🎄 christmas tree
🍀 four leaf clover, clover
🚗 car, red car, automobile
🚕 taxi, yellow taxi, cab
🚌 bus
🚒 fire engine, fire truck, red fire engine
🚜 tractor
🚲 bicycle, bike
🚁 helicopter
🚀 rocket, space rocket, spaceship
⛵ sailboat, sailing boat, boat, yacht
🏠 house, home, building
⭐ star, yellow star
🌙 crescent moon, moon
🌈 rainbow
🔥 fire, flame
⛄ snowman
🎈 balloon, red balloon
🎁 gift, wrapped gift, present, gift box
⚽ soccer ball, football, ball
👑 crown, golden crown
❤ red heart, heart, love heart
"""

THINGS: dict[str, tuple[str, ...]] = {
    symbol: tuple(name.strip() for name in names.split(","))
    for symbol, names in (line.split(" ", 1) for line in _TABLE.strip().splitlines())
}
