# Spanish
cabrones
cabrón
coño
follando
gilipollas
hijo de puta
hijos de puta
joder
mierda
pendejo
pendejos
porno
puta
putas
zorra
